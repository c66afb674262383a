"""A client of the control calls of the stand-in for the Cloud API."""

from __future__ import annotations

from collections import Counter
from typing import Any

import requests


class Standin:
    """The stand-in at a URL, and its phone number."""

    def __init__(self, url: str, phone_number_id: str) -> None:
        self.url, self.phone_number_id = url, phone_number_id

    def get(self, path: str) -> Any:
        answer = requests.get(f"{self.url}/control/{path}", timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> Any:
        answer = requests.post(f"{self.url}/control/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.get("state")
        return state

    def posted(self) -> Counter[str]:
        """Return message id -> how often the stand-in has accepted it. It stores 10,000 messages."""
        stored = self.get("messages?limit=10000")["messages"]
        return Counter(one["callback_data"].partition(":")[2] for one in stored)

    def clear_faults(self) -> None:
        assert requests.delete(f"{self.url}/control/faults", timeout=10).status_code == 200

    def set_webhook(self, url: str, token: str, verify_token: str) -> None:
        """Set the webhook of the number, as the cluster does. An empty URL removes it."""
        override = {"override_callback_uri": url, **({"verify_token": verify_token} if url else {})}
        answer = requests.post(
            f"{self.url}/v25.0/{self.phone_number_id}",
            json={"webhook_configuration": override},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
