import { HoldsChangedError } from '../connection/holds-changed.error.js';

/** Passes on every error but that a hold was placed or released: the run reads them again. @internal */
export function unlessHoldsChanged(error: unknown): undefined {
  if (!(error instanceof HoldsChangedError)) {
    throw error;
  }
}
