// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Comb} from "../src/Comb.sol";

interface Vm {
    function envAddress(string calldata name) external view returns (address);
    function expectRevert(bytes calldata data) external;
}

contract CombTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function test_readsTheForkedChain() external view {
        require(block.chainid == 57_471, "chain id");
        require(block.number > 0 && block.basefee > 0, "block");
        require(vm.envAddress("RICH").balance == 100 ether, "balance");
    }

    function test_refusesTakenCells() external {
        Comb comb = new Comb(address(this));
        comb.fill(1, "x");
        vm.expectRevert(abi.encodeWithSelector(Comb.Taken.selector, 1, address(this)));
        comb.fill(1, "x");
    }
}
