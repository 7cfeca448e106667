from common.server import serve
from common.settings import load
from payments.app import create_app
from payments.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    serve("payments", create_app(settings), settings)
