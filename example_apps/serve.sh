#!/bin/sh
# Serve an example in production: sh example_apps/serve.sh fastapi|django|flask [more arguments for gunicorn]
set -eu
example=$1
shift
case $example in
    fastapi) set -- -k asgi "example_apps.fastapi_chat.app:create_app()" "$@" ;;
    django) set -- -k asgi example_apps.django_chat.asgi "$@" ;;
    flask) set -- -k gthread --threads 32 "example_apps.flask_chat.app:create_app()" "$@" ;;
esac
exec python -m gunicorn --bind "${BIND:-0.0.0.0:8000}" --workers "${WORKERS:-4}" "$@"
