/** What an operation did: the number of rows of each entity. */
export class AffectedDto {
  /** @example { "Customer": 1, "Review": 2 } */
  affected!: Record<string, number>;

  /** @example 3 */
  total!: number;
}

export class DeletionDto extends AffectedDto {
  /** The time of deletion that all rows of this deletion share. */
  deletedAt!: Date | string | null;
}
