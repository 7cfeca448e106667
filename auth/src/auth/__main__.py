from auth.app import create_app
from auth.settings import Settings
from common.runtime.server import serve
from common.runtime.settings import load

if __name__ == "__main__":
    settings = load(Settings)
    serve("auth", create_app(settings), settings)
