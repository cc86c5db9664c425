import type { Erasure, ErasurePlan } from 'nestjs-mikro-orm-soft-delete/compliance';

export class KeptRowDto {
  /** @example "Order" */
  entity!: string;

  /** @example 2 */
  id!: number;

  /** @example "§147 AO" */
  ground!: string;

  /** When it may be overwritten. */
  until!: Date | null;
}

export class HeldRowDto {
  /** @example "Customer" */
  entity!: string;

  /** @example 2 */
  id!: number;

  /** @example "Dispute 17" */
  hold!: string;
}

/** An erasure that was asked for: by when it has to be done, and what it does or has done. */
export class ErasureDto {
  /** @example "requested" */
  state!: 'requested' | 'partial' | 'completed' | 'withdrawn';

  requestedAt!: Date;

  /** Nothing is erased before: the customer may think better of it. */
  notBefore?: Date;

  /** By when the law wants it done. */
  dueAt!: Date;

  isOverdue!: boolean;

  /** How many rows go, by entity. @example { "Review": 1, "PageView": 2 } */
  deleted!: Record<string, number>;

  /** How many rows are overwritten, by entity. @example { "Customer": 1 } */
  overwritten!: Record<string, number>;

  /** What the law keeps. */
  kept!: KeptRowDto[];

  /** What a legal hold keeps. */
  held!: HeldRowDto[];

  static of({ state, requestedAt, notBefore, dueAt, isOverdue }: Erasure, { entities }: ErasurePlan): ErasureDto {
    const counts = (count: 'deleted' | 'overwritten') =>
      Object.fromEntries(entities.filter((one) => one[count] > 0).map((one) => [one.entity, one[count]]));
    return {
      state,
      requestedAt,
      ...(notBefore && { notBefore }),
      dueAt,
      isOverdue,
      deleted: counts('deleted'),
      overwritten: counts('overwritten'),
      kept: entities.flatMap(({ entity, kept }) =>
        kept.map(({ key, ground, until }) => ({ entity, id: key as number, ground, until })),
      ),
      held: entities.flatMap(({ entity, held }) => held.map(({ key, hold }) => ({ entity, id: key as number, hold }))),
    };
  }
}
