from common.server import serve
from common.settings import load
from orders.app import create_app
from orders.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    serve("orders", create_app(settings), settings)
