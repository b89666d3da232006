# The worker, the gateway and every other `mlc` command. Standalone mode is left out: models don't run in here.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mlc ./mlc
COPY workflows ./workflows
COPY activities ./activities
RUN python -m venv /opt/mlc
RUN /opt/mlc/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin mlc
COPY --from=build /opt/mlc /opt/mlc
ENV PATH=/opt/mlc/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /tmp
ENTRYPOINT ["mlc"]
CMD ["worker"]
