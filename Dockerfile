# One image, every command: a worker by default. What runs is a venv of hashed wheels; whatever made it stays behind.

FROM python:3.12-slim AS build
WORKDIR /build
RUN python -m venv --without-pip /opt/foldline
COPY deployment/requirements-build.txt deployment/requirements.txt deployment/
RUN python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r deployment/requirements-build.txt \
 && python -m pip --python /opt/foldline/bin/python install \
      --no-cache-dir --require-hashes --only-binary :all: -r deployment/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY migrations migrations
COPY deployment/database/roles.sql deployment/database/
COPY schemas schemas
RUN python -m hatchling build --target wheel --directory dist \
 && python -m pip --python /opt/foldline/bin/python install --no-cache-dir --no-index --no-deps dist/*.whl

FROM python:3.12-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin foldline
COPY --from=build /opt/foldline /opt/foldline
ENV PATH=/opt/foldline/bin:$PATH
# foldline.toml and machines of yours are mounted here.
WORKDIR /etc/foldline
# By number: an orchestrator that refuses root can see that this is not.
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["foldline"]
CMD ["run"]
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="foldline" \
      org.opencontainers.image.description="Projects FSM transition and workflow events from Kafka into PostgreSQL" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
