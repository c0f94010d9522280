"""What a configured Ray cluster says of itself, over its dashboard's REST interface with a bearer token."""

import httpx

from liaoyuan.compute.schemas import RayCluster

TIMEOUT_SECONDS = 5.0


def ray_probe(url: str, token: str) -> RayCluster:
    """Version and live nodes of the cluster behind ``url``; an unreachable one is reported, never hidden."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
            version = client.get("/api/version").raise_for_status().json()["ray_version"]
            nodes = client.get("/nodes", params={"view": "summary"}).raise_for_status().json()
        summary = nodes["data"]["summary"]
        alive = [node for node in summary if node["raylet"]["state"] == "ALIVE"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError, AttributeError) as error:
        # Something else may listen there: an answer of another form is as good as none.
        return RayCluster(url=url, reachable=False, detail=f"{type(error).__name__}: {error}"[:200])
    return RayCluster(url=url, reachable=True, version=str(version), nodes=len(alive))
