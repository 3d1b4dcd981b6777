pragma circom 2.1.6;

include "poseidon.circom";
include "lib/bits.circom";
include "lib/commit.circom";

// `value` lies in [-127, 127]; `byte` is value + 127, in 0..254.
template Int8() {
    signal input value;
    signal output byte;

    byte <== value + 127;
    component bits = Bits(8);
    bits.in <== byte;
    component below255 = NotNil();
    below255.in <== byte - 255;
}

// A shift s in 1..10, as one of ten bits. `scale` is 2^(10 - s).
template Shift() {
    signal input is[10];
    signal output scale;
    signal output value;

    var one = 0;
    var power = 0;
    var index = 0;
    for (var i = 0; i < 10; i++) {
        is[i] * (is[i] - 1) === 0;
        one += is[i];
        power += is[i] * (1 << (9 - i));
        index += is[i] * (i + 1);
    }
    one === 1;
    scale <== power;
    value <== index;
}

// q = (z + 2^(s-1)) >> s, as 19 bits of magnitude: q itself if it is not negative, else -1 - q.
// Since 2^(10-s) divides out, q = (z * 2^(10-s) + 2^9) >> 10. Needs |z| < 2^20 - 1.
template Rescale() {
    signal input z;
    signal input scale;
    // 1 if q >= 0.
    signal output positive;
    // min(magnitude, 127).
    signal output capped;

    signal scaled <== z * scale;
    component bits = Bits(30);
    bits.in <== scaled + (1 << 9) + (1 << 29);
    positive <== bits.out[29];

    signal magnitude[19];
    for (var i = 0; i < 19; i++) {
        magnitude[i] <== 1 - bits.out[10 + i] - positive + 2 * positive * bits.out[10 + i];
    }
    var low = 0;
    for (var i = 0; i < 7; i++) {
        low += magnitude[i] * (1 << i);
    }
    var high = 0;
    for (var i = 7; i < 19; i++) {
        high += magnitude[i];
    }
    component small = IsNil();
    small.in <== high;
    capped <== 127 + small.out * (low - 127);
}

// clamp(q, 0, 127)
template HiddenUnit() {
    signal input z;
    signal input scale;
    signal output out;

    component q = Rescale();
    q.z <== z;
    q.scale <== scale;
    out <== q.positive * q.capped;
}

// clamp(q, -127, 127)
template OutputUnit() {
    signal input z;
    signal input scale;
    signal output out;

    component q = Rescale();
    q.z <== z;
    q.scale <== scale;
    // Below zero it is -1 - magnitude, but never -128.
    component full = IsNil();
    full.in <== q.capped - 127;
    var negative = full.out - 1 - q.capped;
    out <== negative + q.positive * (q.capped - negative);
}

// A model dense-ReLU-dense of int8 weights, which nobody sees, gives these outputs.
template PrivatePrediction(inputs, hidden, outputs) {
    signal input weights1[hidden][inputs];
    signal input weights2[outputs][hidden];
    signal input shift1[10];
    signal input shift2[10];
    // Hides the weights in their commitment.
    signal input modelSalt;
    signal input x[inputs];
    // Hides the input in its commitment; 0 for an input that the verifier knows.
    signal input inputSalt;
    signal output model;
    signal output example;
    // o + 127, a byte each, first lowest.
    signal output prediction;

    var count = hidden * (inputs + outputs);
    component range[count];
    component weights = Pack(count);
    for (var h = 0; h < hidden; h++) {
        for (var i = 0; i < inputs; i++) {
            var at = h * inputs + i;
            range[at] = Int8();
            range[at].value <== weights1[h][i];
            weights.bytes[at] <== range[at].byte;
        }
    }
    for (var o = 0; o < outputs; o++) {
        for (var h = 0; h < hidden; h++) {
            var at = hidden * inputs + o * hidden + h;
            range[at] = Int8();
            range[at].value <== weights2[o][h];
            weights.bytes[at] <== range[at].byte;
        }
    }
    component s1 = Shift();
    component s2 = Shift();
    for (var i = 0; i < 10; i++) {
        s1.is[i] <== shift1[i];
        s2.is[i] <== shift2[i];
    }

    var words = (count + 30) \ 31;
    component commit = Commit(words + 2, 1);
    commit.in[0] <== modelSalt;
    commit.in[1] <== s1.value + 16 * s2.value;
    for (var w = 0; w < words; w++) {
        commit.in[2 + w] <== weights.out[w];
    }
    model <== commit.out;

    component given[inputs];
    component packed = Pack(inputs);
    for (var i = 0; i < inputs; i++) {
        given[i] = Int8();
        given[i].value <== x[i];
        packed.bytes[i] <== given[i].byte;
    }
    var inputWords = (inputs + 30) \ 31;
    component seen = Commit(inputWords + 1, 2);
    seen.in[0] <== inputSalt;
    for (var w = 0; w < inputWords; w++) {
        seen.in[1 + w] <== packed.out[w];
    }
    example <== seen.out;

    // |z| <= 127 * 127 * inputs: the caller keeps it below 2^20 - 1.
    signal product1[hidden][inputs];
    component a[hidden];
    for (var h = 0; h < hidden; h++) {
        var z = 0;
        for (var i = 0; i < inputs; i++) {
            product1[h][i] <== weights1[h][i] * x[i];
            z += product1[h][i];
        }
        a[h] = HiddenUnit();
        a[h].z <== z;
        a[h].scale <== s1.scale;
    }

    signal product2[outputs][hidden];
    component out[outputs];
    component predicted = Pack(outputs);
    for (var o = 0; o < outputs; o++) {
        var z = 0;
        for (var h = 0; h < hidden; h++) {
            product2[o][h] <== weights2[o][h] * a[h].out;
            z += product2[o][h];
        }
        out[o] = OutputUnit();
        out[o].z <== z;
        out[o].scale <== s2.scale;
        predicted.bytes[o] <== out[o].out + 127;
    }
    prediction <== predicted.out[0];
}

component main = PrivatePrediction(49, 8, 10);
