// Random choices that depend on a seed alone (mulberry32).
export class Random {
  constructor(seed) {
    let state = Number(seed) >>> 0 || 1;
    const next = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    this.below = (limit) => Math.floor(next() * limit);
    this.chance = (probability) => next() < probability;
    this.pick = (list) => list[this.below(list.length)];
  }
}
