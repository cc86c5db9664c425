import type { LegalHold } from 'nestjs-mikro-orm-soft-delete/compliance';
import { IsText } from '../http/is-text.decorator.js';

export class PlaceHoldDto {
  /** @example "Dispute 17" */
  @IsText({ maxLength: 200 })
  name!: string;

  /** @example "The teapot arrived in pieces" */
  @IsText({ maxLength: 2000 })
  reason!: string;
}

export class HoldDto {
  /** @example 1 */
  id!: number;

  /** @example "Dispute 17" */
  name!: string;

  /** @example "The teapot arrived in pieces" */
  reason!: string;

  placedAt!: Date;

  static of({ id, name, reason, placedAt }: LegalHold): HoldDto {
    return { id, name, reason, placedAt };
  }
}
