// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// What a comb deploys: it keeps its coins and knows who made it.
contract Cell {
    address public immutable comb = msg.sender;

    constructor() payable {}
}

/// A bit of everything that clients look at: storage, events, refusals with data, deploying, paying.
contract Comb {
    event Filled(address indexed by, uint256 indexed cell, bytes32 honey, string note);

    error Taken(uint256 cell, address by);

    address public immutable keeper;
    uint256 public filled;
    mapping(uint256 => address) public ownerOf;

    constructor(address keeper_) payable {
        keeper = keeper_;
    }

    receive() external payable {}

    /// Takes a free cell.
    function fill(uint256 cell, string calldata note) external payable returns (bytes32 honey) {
        if (ownerOf[cell] != address(0)) revert Taken(cell, ownerOf[cell]);
        ownerOf[cell] = msg.sender;
        filled++;
        honey = keccak256(abi.encode(cell, msg.sender, note));
        emit Filled(msg.sender, cell, honey, note);
    }

    /// Fills `count` cells from `first` on.
    function fillMany(uint256 first, uint256 count) external {
        for (uint256 i = 0; i < count; i++) {
            ownerOf[first + i] = msg.sender;
            emit Filled(msg.sender, first + i, bytes32(i), "");
        }
        filled += count;
    }

    function fail(string calldata why) external pure {
        require(false, why);
    }

    function divide(uint256 a, uint256 b) external pure returns (uint256) {
        return a / b;
    }

    /// Deploys within a call, with what came along.
    function grow() external payable returns (Cell cell) {
        cell = new Cell{value: msg.value}();
    }

    /// Catches the refusal of a call to itself.
    function tryFill(uint256 cell) external returns (bool taken) {
        try this.fill(cell, "tried") {
            return false;
        } catch {
            return true;
        }
    }

    function pay(address payable to, uint256 amount) external {
        (bool sent,) = to.call{value: amount}("");
        require(sent, "not sent");
    }

    function burn() external pure {
        while (true) {}
    }
}
