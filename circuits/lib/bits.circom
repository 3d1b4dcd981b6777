pragma circom 2.1.6;

// `out[i]` is bit i of `in`, which is thereby below 2^width. Unique while width < 254.
template Bits(width) {
    signal input in;
    signal output out[width];

    var sum = 0;
    var unit = 1;
    for (var i = 0; i < width; i++) {
        out[i] <-- (in >> i) & 1;
        out[i] * (out[i] - 1) === 0;
        sum += out[i] * unit;
        unit += unit;
    }
    sum === in;
}

// 1 if `in` is 0, else 0.
template IsNil() {
    signal input in;
    signal output out;
    signal inverse;

    inverse <-- in == 0 ? 0 : 1 / in;
    out <== 1 - in * inverse;
    in * out === 0;
    // The inverse of 0 is 0: one witness for one input.
    inverse * out === 0;
}

// Refuses 0.
template NotNil() {
    signal input in;
    signal inverse;

    inverse <-- in == 0 ? 0 : 1 / in;
    in * inverse === 1;
}
