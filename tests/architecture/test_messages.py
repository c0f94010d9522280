"""Every message has a worker: a task for its name, on a queue that some worker serves, started by a command we ship."""

from liaoyuan.broker import MESSAGES, QUEUES
from liaoyuan.pipeline.contract import PIPELINE_STAGES, StageName
from liaoyuan.pipeline.registry import stage_get
from workers.app import app
from workers.commands import WORKERS, commands


def test_every_message_has_a_task() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if name.startswith("liaoyuan.")}
    assert ours == MESSAGES


def test_every_queue_is_served_by_one_worker_of_the_shipped_command_lines() -> None:
    served = [queue for queues, _ in WORKERS.values() for queue in queues]
    assert sorted(served) == sorted(QUEUES)


def test_every_stage_of_the_pipeline_and_the_import_ring_on_a_known_queue() -> None:
    for name in (*PIPELINE_STAGES, StageName.INGEST):
        assert stage_get(name).queue in QUEUES


def test_the_schedule_sends_only_known_messages_to_known_queues() -> None:
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in MESSAGES
        assert entry["options"]["queue"] in QUEUES


def test_celery_takes_json_only_acknowledges_early_and_prefetches_one() -> None:
    conf = app.conf
    assert (conf.accept_content, conf.task_serializer) == (["json"], "json")
    assert (conf.task_acks_late, conf.worker_prefetch_multiplier, conf.task_ignore_result) == (False, 1, True)


def test_no_command_line_keeps_the_schedule_in_a_file() -> None:
    assert "celery.beat:Scheduler" in commands()["beat"]
