pragma circom 2.1.6;

include "poseidon.circom";

// Root of the tree in which `leaf` stands at the place that `bits` spell, lowest bit first.
template Climb(depth) {
    signal input leaf;
    signal input bits[depth];
    signal input siblings[depth];
    signal output root;

    signal left[depth];
    signal right[depth];
    component hash[depth];
    for (var i = 0; i < depth; i++) {
        bits[i] * (bits[i] - 1) === 0;
        var node = i == 0 ? leaf : hash[i - 1].out;
        left[i] <== node + bits[i] * (siblings[i] - node);
        right[i] <== node + siblings[i] - left[i];
        hash[i] = Poseidon(2);
        hash[i].inputs[0] <== left[i];
        hash[i].inputs[1] <== right[i];
    }
    root <== hash[depth - 1].out;
}

// A member of the tree with this root says `message` in `topic`; the nullifier is the same for
// everything that this member ever says in the topic, and unrelated in any other topic.
template Membership(depth) {
    signal input secret;
    signal input bits[depth];
    signal input siblings[depth];
    // Public.
    signal input topic;
    signal input message;
    signal output root;
    signal output nullifier;

    // One, two and three inputs: different permutations, so no digest serves in two roles.
    component leaf = Poseidon(1);
    leaf.inputs[0] <== secret;

    component climb = Climb(depth);
    climb.leaf <== leaf.out;
    for (var i = 0; i < depth; i++) {
        climb.bits[i] <== bits[i];
        climb.siblings[i] <== siblings[i];
    }
    root <== climb.root;

    component once = Poseidon(3);
    once.inputs[0] <== secret;
    once.inputs[1] <== topic;
    once.inputs[2] <== 1;
    nullifier <== once.out;

    // An input without a constraint could be exchanged under the proof; a square would let its sign be.
    signal bound <== message * nullifier;
}

component main {public [topic, message]} = Membership(20);
