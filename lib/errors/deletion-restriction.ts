/** One reason why a row cannot be deleted. */
export interface DeletionRestriction {
  /** The relation that restricts, as `Entity.property`. */
  readonly relation: string;
  /** The related entity. */
  readonly entity: string;
  /** How many of its rows prevent it. */
  readonly count: number;
}

/** A reason that no relation of the entity gives, with what helps against it. @internal */
export class AdvisedRestriction implements DeletionRestriction {
  readonly #advice: string;

  constructor(
    readonly relation: string,
    readonly entity: string,
    readonly count: number,
    advice: string,
  ) {
    this.#advice = advice;
  }

  /** What helps against the first of them for which anything is known. */
  static adviceOn(restrictions: readonly DeletionRestriction[]): string | undefined {
    for (const restriction of restrictions) {
      if (restriction instanceof AdvisedRestriction) {
        return restriction.#advice;
      }
    }
    return undefined;
  }
}
