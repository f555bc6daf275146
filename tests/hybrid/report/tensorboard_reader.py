"""What TensorBoard itself makes of a folder of logs."""

import pytest


def _provider(folder):
    data_provider = pytest.importorskip("tensorboard.backend.event_processing.data_provider")
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    return multiplexer, data_provider.MultiplexerDataProvider(multiplexer, str(folder))


def read_runs(folder):
    """Run -> tag -> values, of scalars."""
    multiplexer, _ = _provider(folder)
    return {run: {tag: [float(event.tensor_proto.float_val[0]) for event in multiplexer.Tensors(run, tag)]
                  for tag in multiplexer.GetAccumulator(run).Tags()["tensors"] if not tag.startswith("_hparams_")}
            for run in sorted(multiplexer.Runs())}


def read_rows(folder):
    """Row of the HPARAMS table -> (options, figures)."""
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups
    context = backend_context.Context(TBContext(data_provider=_provider(folder)[1]))
    request = api_pb2.ListSessionGroupsRequest(start_index=0, slice_size=100, allowed_statuses=[
        api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING])
    found = list_session_groups.Handler(RequestContext(), context, "", request).run()
    return {group.name: ({name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()},
                         {value.name.tag: value.value for value in group.metric_values})
            for group in found.session_groups}
