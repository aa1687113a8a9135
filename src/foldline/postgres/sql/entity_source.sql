-- The partition that the events of an entity lie on: that of its last hop, else that of the last event in its history.
SELECT topic, partition
  FROM (SELECT topic, partition, true AS of_state
          FROM fsm_state
         WHERE fsm_type = %(fsm_type)s AND entity_id = %(entity_id)s AND topic IS NOT NULL
         UNION ALL
       (SELECT topic, partition, false
          FROM fsm_state_history
         WHERE fsm_type = %(fsm_type)s AND entity_id = %(entity_id)s AND topic IS NOT NULL
         ORDER BY id DESC
         LIMIT 1)) AS source
 ORDER BY of_state DESC
 LIMIT 1
