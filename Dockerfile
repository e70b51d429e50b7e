# `services`: one image for every role, chosen by the command: python -m customers web
# `freeradius`: the RADIUS server, with the configuration that radius-sync generates.
# Both run as the same ordinary user, so that what one writes (0600) the other may read.

FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
# System certificates: a base image of your own may bring your own authority.
ENV UV_PROJECT_ENVIRONMENT=/opt/tenure \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=true \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1
WORKDIR /src
# The libraries first: they change less often than our code, and this layer is kept.
COPY pyproject.toml uv.lock ./
COPY shared/pyproject.toml shared/
COPY services/customers/pyproject.toml services/customers/
COPY services/payments/pyproject.toml services/payments/
COPY services/radius-sync/pyproject.toml services/radius-sync/
COPY services/console/pyproject.toml services/console/
# A member of the workspace by name; nothing of it is installed.
COPY local/pyproject.toml local/
ARG PACKAGES="--package tenure-customers --package tenure-payments --package tenure-radius-sync --package tenure-console"
RUN uv sync --frozen --no-default-groups --no-install-workspace ${PACKAGES}
COPY shared shared
COPY services services
RUN uv sync --frozen --no-default-groups --no-editable ${PACKAGES}


FROM debian:trixie-slim AS freeradius
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        freeradius freeradius-postgresql freeradius-utils \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 tenure \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin tenure \
    && install -d -o tenure -g tenure -m 0750 /freeradius
USER 10001:10001
CMD ["freeradius", "-f", "-l", "stdout", "-d", "/freeradius", "-D", "/usr/share/freeradius"]


FROM python:3.11-slim-bookworm AS services
# Volumes take over the owner of the folder they are mounted on.
RUN groupadd --gid 10001 tenure \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin tenure \
    && install -d -o tenure -g tenure -m 0750 /var/lib/tenure /var/lib/tenure-tombstones /freeradius
COPY --from=build /opt/tenure /opt/tenure
ENV PATH=/opt/tenure/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TENURE_HOME=/var/lib/tenure \
    TENURE_TOMBSTONES=/var/lib/tenure-tombstones
WORKDIR /var/lib/tenure
USER 10001:10001
CMD ["python", "-c", "import sys; sys.exit('name a role, for instance: python -m customers web')"]
