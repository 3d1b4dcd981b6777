// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Coins as most contracts keep them.
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error Short(address who, uint256 has, uint256 needs);

    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        move(from, to, value);
        return true;
    }

    function move(address from, address to, uint256 value) private {
        if (balanceOf[from] < value) revert Short(from, balanceOf[from], value);
        unchecked {
            balanceOf[from] -= value;
        }
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}

/// Writes, clears, copies and logs as much as it is told.
contract Hoard {
    mapping(uint256 => uint256) public slots;
    bytes public blob;
    uint8[] public packed;

    receive() external payable {}

    function fill(uint256 first, uint256 count, uint256 value) external payable {
        for (uint256 i = 0; i < count; i++) slots[first + i] = value;
    }

    /// Writes and takes back: what refunds are about.
    function churn(uint256 first, uint256 count) external {
        for (uint256 i = 0; i < count; i++) {
            uint256 before = slots[first + i];
            slots[first + i] = before + 1;
            slots[first + i] = i % 3 == 0 ? 0 : before;
        }
    }

    function write(bytes calldata data) external {
        blob = data;
        for (uint256 i = 0; i < data.length && i < 40; i++) packed.push(uint8(data[i]));
        if (packed.length > 60) delete packed;
    }

    function remember(uint256 key, uint256 value) external {
        uint256 read;
        assembly {
            tstore(key, value)
            read := tload(key)
        }
        slots[key] = read;
    }

    function shout(uint256 topics, bytes calldata data) external {
        assembly {
            let free := mload(0x40)
            calldatacopy(free, data.offset, data.length)
            switch mod(topics, 5)
            case 0 { log0(free, data.length) }
            case 1 { log1(free, data.length, topics) }
            case 2 { log2(free, data.length, topics, 2) }
            case 3 { log3(free, data.length, topics, 2, 3) }
            case 4 { log4(free, data.length, topics, 2, 3, 4) }
        }
    }

    function grind(uint256 rounds) external {
        bytes32 digest = bytes32(rounds);
        bytes memory copied;
        for (uint256 i = 0; i < rounds; i++) {
            digest = keccak256(abi.encode(digest, i));
            copied = abi.encodePacked(copied, digest);
        }
        slots[uint256(digest) % 1000] = uint256(keccak256(copied)) + addmod(rounds, 7, 5) + mulmod(rounds, 7, 5);
    }
}

/// Pays out and dies.
contract Mayfly {
    constructor(bool stillborn) payable {
        require(!stillborn, "stillborn");
    }

    function die(address payable heir) external {
        selfdestruct(heir);
    }
}

contract Factory {
    event Made(address child);
    event Failed(bytes reason);

    function make() external payable {
        emit Made(address(new Mayfly{value: msg.value}(false)));
    }

    function make2(bytes32 salt, bool stillborn) external payable {
        try new Mayfly{salt: salt, value: msg.value}(stillborn) returns (Mayfly child) {
            emit Made(address(child));
        } catch (bytes memory reason) {
            emit Failed(reason);
        }
    }

    /// Born and gone within one transaction.
    function flash(bytes32 salt, address payable heir) external payable {
        Mayfly child = new Mayfly{salt: salt, value: msg.value}(false);
        child.die(heir);
        emit Made(address(child));
    }

    /// Whatever code comes along, as a constructor.
    function raw(bytes calldata code) external payable {
        address child;
        bytes memory copied = code;
        assembly {
            child := create(callvalue(), add(copied, 32), mload(copied))
        }
        emit Made(child);
    }
}

/// Calls anything in every way, and tells how it went and what it cost.
contract Caller {
    event Called(bool success, bytes32 returned, uint256 length, uint256 gasUsed);

    receive() external payable {}

    function call(address to, uint256 gasLimit, uint256 value, bytes calldata data) external payable {
        uint256 before = gasleft();
        (bool success, bytes memory returned) = to.call{gas: gasLimit, value: value}(data);
        told(success, returned, before);
    }

    function callStatic(address to, bytes calldata data) external {
        uint256 before = gasleft();
        (bool success, bytes memory returned) = to.staticcall(data);
        told(success, returned, before);
    }

    function callDelegate(address to, bytes calldata data) external {
        uint256 before = gasleft();
        (bool success, bytes memory returned) = to.delegatecall(data);
        told(success, returned, before);
    }

    function told(bool success, bytes memory returned, uint256 before) private {
        emit Called(success, keccak256(returned), returned.length, before - gasleft());
    }

    /// As deep as gas reaches.
    function dive(uint256 depth) external {
        if (depth > 0) this.dive(depth - 1);
        else emit Called(true, bytes32(0), 0, 0);
    }

    function refuse(uint256 way) external pure {
        if (way % 4 == 0) revert("why not");
        if (way % 4 == 1) assert(false);
        if (way % 4 == 2) assembly { invalid() }
        assembly { revert(0, 100000) }
    }

    function look(address who) external {
        emit Called(who.code.length > 0, who.codehash, who.balance, gasleft());
    }
}
