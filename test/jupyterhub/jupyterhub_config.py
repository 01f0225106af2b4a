# A hub on loopback whose users' servers are processes beside it. What docs/howto/act-on-the-hub.md asks of a hub is from "roles" on.
import os

from tornado import web

tools = os.environ["HUB_TOOLS"]
port = int(os.environ["HUB_PORT"])  # and the two behind it
c = get_config()  # noqa
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_port = port + 1
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
c.ConfigurableHTTPProxy.command = [f"{tools}/proxy/node_modules/.bin/configurable-http-proxy"]
c.Spawner.cmd = [f"{tools}/python/bin/jupyterhub-singleuser", "--allow-root"]
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300

# roles
c.JupyterHub.services = [
    {"name": "cryptnono", "api_token": os.environ["CRYPTNONO_TOKEN"]},
    {"name": "test", "api_token": os.environ["TEST_TOKEN"]},
]
c.JupyterHub.load_roles = [
    {
        "name": "cryptnono",
        "services": ["cryptnono"],
        "scopes": ["read:users", "admin:server_state", "delete:servers", "groups", "admin:groups", "delete:users"],
    },
    {"name": "test", "services": ["test"], "scopes": ["admin:users", "admin:servers", "list:users"]},
]


async def refuse_blocked(authenticator, handler, auth_model):
    user = handler.find_user(auth_model["name"])
    if user and any(group.name == "cryptnono-blocked" for group in user.groups):
        raise web.HTTPError(403, "blocked for cryptomining")
    return auth_model


c.Authenticator.post_auth_hook = refuse_blocked
