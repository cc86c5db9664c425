import type { Product } from '../entities/product.entity.js';

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
