pragma circom 2.1.6;

include "poseidon.circom";
include "lib/bits.circom";
include "lib/commit.circom";

// The committed dataset has at least `least` rows, all different; every label is one of `labels`; and
// the record is (1) or is not (0) among the rows. Nothing else is shown.
template DataCredential(capacity, keyBits, labelCount) {
    // Digests of the rows' contents, ascending; the first `count` places are used.
    signal input keys[capacity];
    signal input labelOf[capacity];
    signal input used[capacity];
    // Hides the rows in their commitment.
    signal input salt;
    // The record in question, and what hides it; 0 for a record that the verifier knows.
    signal input recordKey;
    signal input recordSalt;
    // Public.
    signal input least;
    signal input labels[labelCount];
    signal input included;
    signal output dataset;
    signal output record;

    // Used places come first; the others are empty.
    for (var i = 0; i < capacity; i++) {
        used[i] * (used[i] - 1) === 0;
        if (i > 0) {
            used[i] * (1 - used[i - 1]) === 0;
        }
        (1 - used[i]) * keys[i] === 0;
        (1 - used[i]) * labelOf[i] === 0;
    }

    // Each key exceeds the one before by 1..2^keyBits: no sum of these can reach the field order, so
    // the keys ascend as integers and no row counts twice.
    component step[capacity];
    for (var i = 0; i < capacity; i++) {
        step[i] = Bits(keyBits);
        if (i == 0) {
            step[i].in <== used[i] * keys[i];
        } else {
            step[i].in <== used[i] * (keys[i] - keys[i - 1] - 1);
        }
    }

    component allowed[labelCount];
    for (var l = 0; l < labelCount; l++) {
        allowed[l] = Bits(16);
        allowed[l].in <== labels[l];
    }
    signal within[capacity][labelCount];
    for (var i = 0; i < capacity; i++) {
        for (var l = 0; l < labelCount; l++) {
            within[i][l] <== (l == 0 ? used[i] : within[i][l - 1]) * (labelOf[i] - labels[l]);
        }
        within[i][labelCount - 1] === 0;
    }

    // key < 2^(keyBits + 7), 16 bits of label, one bit that tells a row from an empty place.
    signal row[capacity];
    component commit = Commit(capacity + 1, 3);
    commit.in[0] <== salt;
    var count = 0;
    for (var i = 0; i < capacity; i++) {
        row[i] <== used[i] * (keys[i] + labelOf[i] * (1 << (keyBits + 8)) + (1 << (keyBits + 24)));
        commit.in[1 + i] <== row[i];
        count += used[i];
    }
    dataset <== commit.out;

    component floor = Bits(7);
    floor.in <== least;
    component spare = Bits(7);
    spare.in <== count - least;

    // Keys differ, so at most one place matches.
    component same[capacity];
    signal hit[capacity];
    var found = 0;
    for (var i = 0; i < capacity; i++) {
        same[i] = IsNil();
        same[i].in <== keys[i] - recordKey;
        hit[i] <== used[i] * same[i].out;
        found += hit[i];
    }
    found === included;

    component named = Commit(2, 4);
    named.in[0] <== recordSalt;
    named.in[1] <== recordKey;
    record <== named.out;
}

component main {public [least, labels, included]} = DataCredential(32, 128, 8);
