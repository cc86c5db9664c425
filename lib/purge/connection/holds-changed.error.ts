/**
 * A legal hold was placed or released since the run has looked. The batch has done nothing yet.
 *
 * @internal
 */
export class HoldsChangedError extends Error {
  constructor() {
    super('A legal hold was placed or released since the run has looked.');
  }
}
