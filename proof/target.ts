/** One-hot targets are this high. */
export const target = 64
