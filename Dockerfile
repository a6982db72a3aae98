# Mien as a container: the API, the console and the storefront over the workspace in /data.
#
#   docker build -t mien .
#   docker run --rm -v mien:/data mien init /data
#   docker run --rm -v mien:/data mien keys add ops --scope admin      # before it can be reached from outside
#   docker run -d  -v mien:/data -p 127.0.0.1:8000:8000 mien
FROM python:3.11-slim AS build
ARG EXTRAS=console,redis,postgres,kafka
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /opt/mien && /opt/mien/bin/pip install --no-cache-dir -c constraints.txt ".[${EXTRAS}]"

FROM python:3.11-slim
RUN useradd --system --uid 10001 --user-group --no-create-home mien && install -d -o mien -g mien -m 700 /data
COPY --from=build /opt/mien /opt/mien
ENV PATH=/opt/mien/bin:$PATH MIEN_WORKSPACE=/data PYTHONUNBUFFERED=1 MIEN_SERVER_LOG=json
USER mien
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["mien"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
