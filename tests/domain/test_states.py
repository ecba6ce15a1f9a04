"""The table of states and moves makes sense as a whole."""

from __future__ import annotations

import pytest

from onbeat.domain.states import FINAL_STATES, MOVES, SHOWN_IN, Move, Place, State, moves_from

every_move = pytest.mark.parametrize("move", MOVES.values(), ids=lambda move: move.name)


@every_move
def test_a_move_is_filed_under_its_own_name(move: Move) -> None:
    assert MOVES[move.name] is move


@every_move
def test_a_move_enters_a_place_that_shows_its_state(move: Move) -> None:
    assert move.state in SHOWN_IN[move.enters]


@every_move
def test_a_move_leaves_for_another_place(move: Move) -> None:
    assert move.leaves
    assert move.enters not in move.leaves


@every_move
def test_somebody_may_make_each_move_and_it_says_what_it_means(move: Move) -> None:
    assert move.who
    assert move.meaning


@pytest.mark.parametrize("state", State)
def test_a_state_is_shown_in_exactly_one_place(state: State) -> None:
    assert len([place for place, states in SHOWN_IN.items() if state in states]) == 1


@pytest.mark.parametrize("state", State)
def test_some_move_leads_to_each_state(state: State) -> None:
    assert [move.name for move in MOVES.values() if move.state is state]


@pytest.mark.parametrize("place", Place)
def test_a_job_can_leave_every_place(place: Place) -> None:
    assert moves_from(place)


def test_nothing_leads_back_to_nowhere() -> None:
    assert not [move.name for move in MOVES.values() if move.enters is Place.NOWHERE]


def test_final_states_are_those_of_the_finished() -> None:
    assert frozenset(SHOWN_IN[Place.FINISHED]) == FINAL_STATES
    assert {state for state in State if state.is_final} == FINAL_STATES


def test_every_running_job_can_end() -> None:
    """From each place some way leads to the finished ones."""
    reached = {Place.FINISHED}
    while (
        more := {
            place for move in MOVES.values() if move.enters in reached for place in move.leaves
        }
        - reached
    ):
        reached |= more

    assert reached == set(Place)
