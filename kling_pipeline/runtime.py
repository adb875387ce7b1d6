"""The parts of one process put together: settings → store, catalog, client → pipeline → worker."""

from __future__ import annotations

import shutil
import threading

from pydantic import SecretStr

from kling_pipeline.catalog.catalog import load_catalog
from kling_pipeline.data_folder import prepare_folder
from kling_pipeline.demo import Demo
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.kling.client import KlingAIClient
from kling_pipeline.media.decoder_pool import RESULTS, UPLOADS
from kling_pipeline.pipeline import Pipeline
from kling_pipeline.settings import Settings
from kling_pipeline.storage.store import Store
from kling_pipeline.worker import Worker


class Runtime:
    """Opens on construction, works after `start_worker`, and is closed once; use it as a context."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        prepare_folder(settings.studio_data_dir)
        self.demo = Demo(settings) if settings.demo else None
        self.store = Store(settings.studio_data_dir / "studio.db")
        self._clients = [self._client()]
        catalog = load_catalog(settings.kling_contract)
        engine = Engine(settings, catalog, self.store, self._clients[0])
        engine.expose_file = self.demo.expose_file if self.demo else None
        self.pipeline = Pipeline(engine)
        self.worker: Worker | None = None
        self._stopping = threading.Lock()

    def start_worker(self) -> None:
        """Start the worker in this process, and the simulator first when there are no keys."""
        self.reach_kling()
        worker = Worker(self.pipeline)
        worker.before_tick = self.reach_kling
        worker.start()
        self.worker = worker

    def reach_kling(self) -> None:
        """In demo mode: joins the simulator, or starts it again when it is gone."""
        if self.demo is None:
            return
        before = self.demo.base_url
        if self.demo.ensure() != before:
            # Threads may still be inside the old client: it is closed with the studio.
            self._clients.append(self._client())
            self.pipeline.engine.client = self._clients[-1]

    def stop_worker(self) -> None:
        """End the worker once; who comes second waits for it."""
        with self._stopping:
            if self.worker is not None:
                self.worker.stop()
                self.worker = None

    def close(self) -> None:
        """End the decoders, the worker, the viewers' answers, the store and the simulator, in this order."""
        for decoders in (UPLOADS, RESULTS):
            decoders.close()
        self.stop_worker()
        self.pipeline.change_feed.close()
        for client in self._clients:
            client.close()
        self.store.close()
        shutil.rmtree(self.pipeline.engine.incoming, ignore_errors=True)
        if self.demo is not None:
            self.demo.stop()

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _client(self) -> KlingAIClient:
        if self.demo is None:
            return KlingAIClient.from_settings(self.settings)
        keys = self.demo.keys
        played = self.settings.model_copy(
            update={
                "kling_access_key": SecretStr(keys.access),
                "kling_secret_key": SecretStr(keys.secret),
            }
        )
        # Until the simulator is reached nothing is asked: port 9 discards.
        return KlingAIClient.from_settings(
            played, base_url=self.demo.base_url or "http://127.0.0.1:9"
        )
