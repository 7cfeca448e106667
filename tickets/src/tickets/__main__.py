from common.server import serve
from common.settings import load
from tickets.app import create_app
from tickets.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    serve("tickets", create_app(settings), settings)
