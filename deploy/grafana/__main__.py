"""Write the dashboards."""

from .boards import BOARDS, FOLDER, text

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for board in BOARDS:
        (FOLDER / f"{board.uid}.json").write_text(text(board), "utf-8")
