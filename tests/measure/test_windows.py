import pytest

from engine.reading.windows import Window, batches, slide


@pytest.mark.parametrize("length", [2, 3, 7, 8, 9, 12, 13, 50, 101])
@pytest.mark.parametrize(("context", "stride"), [(8, 4), (8, 1), (8, 7), (2, 1), (9, 5), (64, 32)])
def test_every_token_but_the_first_is_predicted_once_with_enough_to_its_left(
    length: int, context: int, stride: int
) -> None:
    document = list(range(length))  # a token is its own place in the document
    predicted: list[int] = []
    for number, window in enumerate(slide(document, context, stride)):
        assert len(window.tokens) <= context
        assert list(window.tokens) == document[number * stride :][: len(window.tokens)]
        assert window.first >= (1 if number == 0 else context - stride)
        assert window.predicted > 0
        predicted += window.tokens[window.first :]
    assert predicted == document[1:]


def test_batches_do_not_depend_on_the_order_of_the_windows() -> None:
    windows = [Window(tuple(range(start, start + length)), 1) for start in (5, 3) for length in (4, 9, 2, 9)]
    forward, backward = batches(windows, 3), batches(windows[::-1], 3)
    assert forward == backward
    assert [len(batch) for batch in forward] == [3, 3, 2]
    lengths = [len(window.tokens) for batch in forward for window in batch]
    assert lengths == sorted(lengths, reverse=True)
