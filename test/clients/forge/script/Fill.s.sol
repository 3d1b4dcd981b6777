// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Comb} from "../src/Comb.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

contract Fill {
    bool public constant IS_SCRIPT = true;
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external {
        vm.startBroadcast();
        Comb comb = new Comb{value: 1 ether}(msg.sender);
        comb.fill(7, "script");
        comb.grow{value: 2}();
        vm.stopBroadcast();
    }
}
