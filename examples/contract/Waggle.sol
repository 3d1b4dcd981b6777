// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// The work market, at its fixed address. Its whole ABI: vm/modules/jobsAbi.ts.
interface IJobs {
    struct Phase {
        uint32 fromStep;
        uint8[] updateShifts;
        uint8[] backwardShifts;
    }

    /// The last rows of a dataset, on which the model is evaluated; no rows: not at all.
    struct HeldOut {
        bytes32 dataset;
        uint32 rows;
    }

    struct JobSpec {
        uint8 proofKind;
        bytes32 dataset;
        uint32[] layers;
        uint32 batch;
        uint32 steps;
        uint16 leaseSteps;
        uint8 fractionBits;
        uint8[] forwardShifts;
        Phase[] schedule;
        uint8 initBound;
        uint128 pricePerMac;
        HeldOut heldOut;
    }

    struct JobState {
        uint8 status;
        address owner;
        bytes32 dataset;
        uint64 openedAt;
        bytes32 seed;
        uint32 range;
        uint32 ranges;
        uint32 stepsDone;
        uint32 steps;
        uint64 rangeSince;
        uint256 escrow;
        bytes32 commitment;
        bytes32 weights;
        bool cancelRequested;
        bytes32 evaluationSeed;
    }

    /// The job's owner is whoever calls; what it does not earn comes back to that address.
    function open(JobSpec calldata spec) external payable returns (bytes32 jobId);
    function quote(JobSpec calldata spec) external view returns (uint256 escrow, uint256 openFee);
    function cancel(bytes32 jobId) external returns (bool ended, uint256 refund);
    function job(bytes32 jobId) external view returns (JobState memory state);
}

/// What is known: datasets and models.
interface IRegistry {
    struct DatasetView {
        bytes32 root;
        string title;
        bytes32 blob;
        uint32 rows;
        uint32 features;
        uint32 classes;
        address owner;
    }

    function dataset(bytes32 root) external view returns (DatasetView memory found);
}

IJobs constant JOBS = IJobs(0x0000000000000000000000000000000000005703);
IRegistry constant REGISTRY = IRegistry(0x0000000000000000000000000000000000005702);

// `IJobs.JobState.status` of a job that has ended.
uint8 constant FINISHED = 3;
uint8 constant CANCELLED = 4;
