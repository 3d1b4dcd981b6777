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
    /// Starts from the weights of the model that the job `base` trained; none if it is zero.
    function openFrom(bytes32 base, JobSpec calldata spec) external payable returns (bytes32 jobId);
    function quoteFrom(
        bytes32 base,
        JobSpec calldata spec
    ) external view returns (uint256 escrow, uint256 openFee, uint256 onTop);
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

    struct DatasetTermsView {
        uint256 rowPrice;
        string licence;
        bool listedOnly;
        uint32 listed;
    }

    struct ModelTermsView {
        uint256 price;
        uint16 royaltyBasisPoints;
        string licence;
        uint256 sold;
    }

    function setDatasetTerms(
        bytes32 root,
        uint256 rowPrice,
        string calldata licence,
        bool listedOnly
    ) external;
    function allow(bytes32 root, address account, bool allowed) external;
    function datasetTerms(bytes32 root) external view returns (DatasetTermsView memory terms);
    function mayTrain(bytes32 root, address account) external view returns (bool allowed);
    function setModelTerms(
        bytes32 model,
        uint256 price,
        uint16 royaltyBasisPoints,
        string calldata licence
    ) external;
    function modelTerms(bytes32 model) external view returns (ModelTermsView memory terms);
    function buy(bytes32 model) external payable;
    function hasBought(bytes32 model, address buyer) external view returns (bool bought);
    function dataset(bytes32 root) external view returns (DatasetView memory found);
}

IJobs constant JOBS = IJobs(0x0000000000000000000000000000000000005703);
IRegistry constant REGISTRY = IRegistry(0x0000000000000000000000000000000000005702);

// `IJobs.JobState.status` of a job that has ended.
uint8 constant FINISHED = 3;
uint8 constant CANCELLED = 4;
