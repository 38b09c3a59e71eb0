# One image for all three services; the command says which: platform_api, tenant_api or oauth_bridge.
#   docker build -t dream-api .      docker run --read-only --env-file … dream-api tenant_api
# Nothing in it is writable or needs to be; it runs as a user without a name or a home.

# What the tests run on.
ARG PYTHON=3.11-slim

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /app/venv
COPY requirements.txt /build/
# Exactly the lock, each file compared with its hash. Wheels only, so nothing is compiled and no compiler is needed.
RUN python -m pip --python /app/venv/bin/python install \
        --require-hashes --no-deps --only-binary :all: --compile -r /build/requirements.txt
# The AWS client describes 449 services; ours is the store, and what finds credentials.
RUN cd /app/venv/lib/python3*/site-packages \
    && find botocore/data boto3/data -mindepth 1 -maxdepth 1 -type d \
        ! -name dynamodb ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} +
COPY shared /app/shared
COPY platform_api /app/platform_api
COPY tenant_api /app/tenant_api
COPY oauth_bridge /app/oauth_bridge
RUN python -m compileall -q /app/shared /app/platform_api /app/tenant_api /app/oauth_bridge

FROM python:${PYTHON}
# Told by /health: docker build --build-arg COMMIT=$(git rev-parse HEAD) …
ARG COMMIT=
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    COMMIT=${COMMIT} \
    HOST=0.0.0.0 \
    PLATFORM_API_PORT=8080 \
    TENANT_API_PORT=8080 \
    OAUTH_BRIDGE_PORT=8080
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:8080/health', timeout=3)"]
ENTRYPOINT ["python", "-m"]
CMD ["tenant_api"]
