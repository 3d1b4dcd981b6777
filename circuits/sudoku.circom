pragma circom 2.1.6;

// The prover knows a filled grid that obeys the rules of Sudoku and shows these givens.
template Sudoku() {
    // Public: 81 cells in rows, four bits each, 0 for an empty one; cells 0..40, then 41..80.
    signal input puzzle[2];
    // Digits 1..9.
    signal input solution[81];
    // Whether the cell is shown.
    signal input given[81];

    // is[c][d]: cell c holds the digit d + 1.
    signal is[81][9];
    for (var c = 0; c < 81; c++) {
        var one = 0;
        var digit = 0;
        for (var d = 0; d < 9; d++) {
            is[c][d] <-- solution[c] == d + 1;
            is[c][d] * (is[c][d] - 1) === 0;
            one += is[c][d];
            digit += (d + 1) * is[c][d];
        }
        one === 1;
        digit === solution[c];
    }

    // Every row, column and box holds every digit once.
    for (var u = 0; u < 9; u++) {
        for (var d = 0; d < 9; d++) {
            var row = 0;
            var column = 0;
            var box = 0;
            for (var i = 0; i < 9; i++) {
                row += is[9 * u + i][d];
                column += is[9 * i + u][d];
                box += is[9 * (3 * (u \ 3) + i \ 3) + 3 * (u % 3) + i % 3][d];
            }
            row === 1;
            column === 1;
            box === 1;
        }
    }

    // A shown cell is 0 or the solution's digit, so four bits hold it and the packing is unique.
    signal shown[81];
    var packed[2];
    packed[0] = 0;
    packed[1] = 0;
    var unit = 1;
    for (var c = 0; c < 81; c++) {
        given[c] * (given[c] - 1) === 0;
        shown[c] <== given[c] * solution[c];
        if (c == 41) {
            unit = 1;
        }
        packed[c \ 41] += shown[c] * unit;
        unit *= 16;
    }
    puzzle[0] === packed[0];
    puzzle[1] === packed[1];
}

component main {public [puzzle]} = Sudoku();
