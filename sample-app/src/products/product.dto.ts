import { IsOptional } from 'class-validator';
import type { Product } from '../entities/product.entity.js';
import { IsText } from '../http/is-text.decorator.js';

export class VisitDto {
  /** @example "Tea time" */
  @IsOptional()
  @IsText({ maxLength: 200 })
  ad?: string;
}

export class ProductDto {
  /** @example 1 */
  id!: number;

  /** @example "Kettle" */
  name!: string;

  /** @example 3900 */
  priceInCents!: number;

  static of({ id, name, priceInCents }: Product): ProductDto {
    return { id, name, priceInCents };
  }
}
