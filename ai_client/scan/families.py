"""The names by which frameworks know what serves requests."""

METHODS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "trace", "route", "api_route", "websocket"}
    | {"websocket_route", "api_operation", "add_url_rule", "stream"}
)
"""Decorators of routes, which take a path."""
HOOKS = {
    "middleware": "a middleware",
    "exception_handler": "an exception handler",
    "errorhandler": "an error handler",
    "app_errorhandler": "an error handler",
    "before_request": "a request hook",
    "before_app_request": "a request hook",
    "after_request": "a request hook",
    "after_app_request": "a request hook",
    "teardown_request": "a request hook",
    "teardown_app_request": "a request hook",
    "teardown_appcontext": "a request hook",
    "before_websocket": "a request hook",
    "context_processor": "a context processor",
    "app_context_processor": "a context processor",
    "url_value_preprocessor": "a request hook",
    "simple_tag": "a template tag",
    "inclusion_tag": "a template tag",
}
"""Other decorators of what runs for a request, which may be called or not."""
REGISTERING = {
    "add_api_route": "a route",
    "add_route": "a route",
    "add_url_rule": "a route",
    "add_websocket_route": "a WebSocket handler",
    "add_api_websocket_route": "a WebSocket handler",
    "add_middleware": "a middleware",
    "add_exception_handler": "an exception handler",
    "register_error_handler": "an error handler",
    "add_get": "a route",
    "add_post": "a route",
    "add_put": "a route",
    "add_patch": "a route",
    "add_delete": "a route",
    **{name: kind for name, kind in HOOKS.items() if "tag" not in name and name != "middleware"},
}
"""Methods that take what is to run for a request as an argument."""
BUILDING = {
    "Route": "a route",
    "APIRoute": "a route",
    "WebSocketRoute": "a WebSocket handler",
    "APIWebSocketRoute": "a WebSocket handler",
    "Middleware": "a middleware",
    "BaseHTTPMiddleware": "a middleware",
    "Depends": "a dependency",
    "Security": "a dependency",
    "path": "a view",
    "re_path": "a view",
    "url": "a view",
    "LocalProxy": "a proxy",
}
"""Functions and classes of frameworks that take it as an argument."""
VIEW_DECORATORS = frozenset(
    {
        "api_view",
        "csrf_exempt",
        "login_required",
        "permission_required",
        "require_GET",
        "require_POST",
        "require_safe",
    }
    | {
        "require_http_methods",
        "never_cache",
        "cache_page",
        "sensitive_post_parameters",
        "staff_member_required",
    }
)
ADMIN_DECORATORS = frozenset({"django.contrib.admin.action", "django.contrib.admin.display"})
TASK_NAMES = frozenset({"shared_task", "periodic_task", "db_task", "db_periodic_task", "actor", "job"})
TASK_PACKAGES = frozenset(
    {"celery", "dramatiq", "huey", "rq", "django_rq", "taskiq", "procrastinate", "arq", "flask_rq2"}
    | {"taskiq_redis", "django_huey"}
)
NOT_TASK_PACKAGES = frozenset(
    {"invoke", "fabric", "prefect", "airflow", "luigi", "locust", "nox", "doit", "dagster"}
)
SOCKETS = frozenset({"socketio", "sio", "socket_io"})

FRAMEWORKS = frozenset(
    {
        "fastapi",
        "starlette",
        "flask",
        "quart",
        "django",
        "rest_framework",
        "adrf",
        "ninja",
        "ninja_extra",
        "channels",
    }
    | {
        "litestar",
        "aiohttp",
        "sanic",
        "tornado",
        "bottle",
        "falcon",
        "fastapi_utils",
        "flask_restful",
        "flask_restx",
    }
    | {
        "flask_smorest",
        "flask_socketio",
        "socketio",
        "djangorestframework",
        "wagtail",
        "oscar",
        "pyramid",
        "werkzeug",
    }
)
VIEW_BASES = (
    "View",
    "APIView",
    "ViewSet",
    "MethodView",
    "ViewSetMixin",
    "MethodResource",
    "HTTPEndpoint",
    "RequestHandler",
    "WebSocketHandler",
    "WebSocketEndpoint",
    "Consumer",
)
"""Ends of the names of classes whose objects serve one request each."""
REQUEST_BASES = frozenset(
    {
        "Resource",
        "Form",
        "ModelForm",
        "Serializer",
        "ModelSerializer",
        "BaseSerializer",
        "HyperlinkedModelSerializer",
    }
    | {"HTTPMethodView", "ViewComponent"}
)
KEPT_BASES = {
    "MiddlewareMixin": "a middleware",
    "BaseHTTPMiddleware": "a middleware",
    "ModelAdmin": "an admin page",
    "Controller": "a controller",
    "BaseAuthentication": "an authentication",
    "BasePermission": "a permission",
}
"""Classes whose object serves many requests."""
MIDDLEWARE_METHODS = frozenset(
    {
        "__call__",
        "__acall__",
        "dispatch",
        "process_request",
        "process_view",
        "process_response",
        "process_exception",
    }
    | {"process_template_response", "dispatch_request"}
)
NOT_SERVING = frozenset(
    {
        "as_view",
        "as_asgi",
        "__init_subclass__",
        "__class_getitem__",
        "ready",
        "__set_name__",
        "__str__",
        "__repr__",
    }
)
MODEL_SIGNALS = frozenset(
    {
        "pre_save",
        "post_save",
        "pre_delete",
        "post_delete",
        "m2m_changed",
        "request_started",
        "request_finished",
    }
    | {"user_logged_in", "got_request_exception"}
)
RUNNING = frozenset(
    {
        "partial",
        "to_thread",
        "run_in_executor",
        "submit",
        "map",
        "filter",
        "Thread",
        "Timer",
        "add_task",
        "run_sync",
    }
    | {
        "run_in_threadpool",
        "sync_to_async",
        "async_to_sync",
        "start_soon",
        "create_task",
        "call_soon",
        "call_later",
    }
    | {
        "iterate_in_threadpool",
        "StreamingResponse",
        "stream_with_context",
        "BackgroundTask",
        "start_new_thread",
    }
    | {
        "copy_current_request_context",
        "call_soon_threadsafe",
        "run",
        "run_coroutine_threadsafe",
        "ensure_future",
    }
    | {"enqueue", "enqueue_in", "enqueue_at", "enqueue_call", "async_task"}
    | {"on_commit", "apply", "call", "gather", "wait_for", "next", "iter", "list", "sorted", "contextmanager"}
)
"""Functions of other packages that run a function that they are given."""
DEPENDS = frozenset({"Depends", "Security", "TaskiqDepends"})
"""Functions whose result a parameter is given of a dependency."""
PASSING = frozenset({"csrf_exempt", "copy_context", "wraps"})
"""Functions that return the function that they are given."""
GENERIC = frozenset({"Optional", "Type", "type", "ClassVar", "Final", "Union"})
BUILTINS = frozenset(
    {"getattr", "map", "filter", "sorted", "next", "iter", "list", "setattr", "super", "object"}
)
