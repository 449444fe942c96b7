# The linter alone: no network at run time, no root, no shell tools beyond those of the base image.
#   docker build -t k8s-stateful-lint .
#   docker run --rm -v "$PWD:/work:ro" k8s-stateful-lint check deploy
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY rules ./rules
COPY k8s_stateful_lint ./k8s_stateful_lint
RUN python -m venv /opt/k8s-stateful-lint \
    && /opt/k8s-stateful-lint/bin/python -m pip install --no-cache-dir --disable-pip-version-check . \
    && /opt/k8s-stateful-lint/bin/python -m pip uninstall --yes pip

FROM python:${PYTHON_VERSION}-slim
LABEL org.opencontainers.image.title="k8s-stateful-lint" \
      org.opencontainers.image.description="A linter for stateful Kubernetes manifests" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/k8s-stateful-lint /opt/k8s-stateful-lint
# The compiled schemas are cached; a container has no home for them.
ENV PATH="/opt/k8s-stateful-lint/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/tmp
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["k8s-stateful-lint"]
CMD ["check", "."]
