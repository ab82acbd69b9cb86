"""What is in a folder."""


def everything(folder) -> dict:
    paths = (path for path in folder.rglob("*") if path.is_file() and ".leases" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
