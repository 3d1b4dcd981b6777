// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CANCELLED, FINISHED, IJobs, JOBS, REGISTRY} from "./Waggle.sol";

/// A model made to order: the sponsor's coins buy the training, the chain trains, and once it is done
/// the owner of the dataset gets a royalty, whoever settles a tip, and the sponsor the change.
contract Commission {
    event Ordered(bytes32 indexed jobId, uint256 escrow, uint256 openFee);
    event Delivered(bytes32 indexed jobId, bytes32 weights, bytes32 commitment);
    event Failed(bytes32 indexed jobId);

    error NotSponsor();
    error TooLittle(uint256 needed, uint256 got);
    error Running(uint32 stepsDone, uint32 steps);
    error Settled();
    error Unpaid(address to, uint256 amount);

    address public immutable sponsor = msg.sender;
    bytes32 public immutable jobId;
    address public immutable datasetOwner;
    uint256 public immutable royalty;
    uint256 public immutable tip;

    /// Name of the trained weights: `GET /blob/WEIGHTS` at any node. Zero until delivered.
    bytes32 public weights;
    /// What the chain's certificates vouch for.
    bytes32 public commitment;
    bool public settled;

    /// Opens the job: this contract is its owner, and holds what the training does not cost.
    constructor(IJobs.JobSpec memory spec, uint256 royalty_, uint256 tip_) payable {
        (uint256 escrow, uint256 openFee) = JOBS.quote(spec);
        uint256 needed = escrow + openFee + royalty_ + tip_;
        if (msg.value < needed) revert TooLittle(needed, msg.value);
        royalty = royalty_;
        tip = tip_;
        datasetOwner = REGISTRY.dataset(spec.dataset).owner;
        jobId = JOBS.open{value: escrow + openFee}(spec);
        emit Ordered(jobId, escrow, openFee);
    }

    /// Steps trained so far, and all.
    function progress() external view returns (uint32 stepsDone, uint32 steps) {
        IJobs.JobState memory state = JOBS.job(jobId);
        return (state.stepsDone, state.steps);
    }

    /// Pays everyone once the job has ended; anyone may call. The job's own refund has come by itself.
    function settle() external {
        if (settled) revert Settled();
        IJobs.JobState memory state = JOBS.job(jobId);
        if (state.status != FINISHED && state.status != CANCELLED)
            revert Running(state.stepsDone, state.steps);
        settled = true;
        if (state.status == FINISHED) {
            weights = state.weights;
            commitment = state.commitment;
            emit Delivered(jobId, state.weights, state.commitment);
            pay(datasetOwner, royalty);
            pay(msg.sender, tip);
        } else {
            emit Failed(jobId);
        }
        pay(sponsor, address(this).balance);
    }

    /// The sponsor may call it off; `settle` then returns what is left.
    function cancel() external {
        if (msg.sender != sponsor) revert NotSponsor();
        JOBS.cancel(jobId);
    }

    function pay(address to, uint256 amount) private {
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert Unpaid(to, amount);
    }
}
