from client.app import create_app
from client.settings import Settings
from common.runtime.server import serve
from common.runtime.settings import load

if __name__ == "__main__":
    settings = load(Settings)
    app = create_app(settings)
    serve("client", app, settings, app.state.live.close)
