pragma circom 2.1.6;

include "poseidon.circom";

// Poseidon over a list of any fixed length: sixteen-input calls in a chain, fifteen new elements each,
// the last one padded with zeros. `domain` starts the chain, so that lists of different roles never
// share a digest; the length is a constant of the circuit, so padding is not ambiguous.
template Commit(length, domain) {
    signal input in[length];
    signal output out;

    var calls = (length + 14) \ 15;
    component hash[calls];
    for (var c = 0; c < calls; c++) {
        hash[c] = Poseidon(16);
        if (c == 0) {
            hash[c].inputs[0] <== domain;
        } else {
            hash[c].inputs[0] <== hash[c - 1].out;
        }
        for (var i = 0; i < 15; i++) {
            if (15 * c + i < length) {
                hash[c].inputs[1 + i] <== in[15 * c + i];
            } else {
                hash[c].inputs[1 + i] <== 0;
            }
        }
    }
    out <== hash[calls - 1].out;
}

// Base-256 packing of bytes, 31 to an element (248 bits, below the field order), first byte lowest.
// The caller has bounded every byte.
template Pack(length) {
    signal input bytes[length];
    var words = (length + 30) \ 31;
    signal output out[words];

    for (var w = 0; w < words; w++) {
        var sum = 0;
        var unit = 1;
        for (var i = 31 * w; i < length && i < 31 * (w + 1); i++) {
            sum += bytes[i] * unit;
            unit *= 256;
        }
        out[w] <== sum;
    }
}
