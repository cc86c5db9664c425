import type { Loaded } from '@mikro-orm/core';
import { IsInt, Max, Min } from 'class-validator';
import type { Review } from '../entities/review.entity.js';
import { IsText } from '../http/is-text.decorator.js';

export class WriteReviewDto {
  /** @example 2 */
  @IsInt()
  @Min(1)
  customerId!: number;

  /** @example 5 */
  @IsInt()
  @Min(1)
  @Max(5)
  rating!: number;

  /** @example "Pours without dripping." */
  @IsText({ maxLength: 2000 })
  text!: string;
}

export class ReviewDto {
  /** @example 1 */
  id!: number;

  /** @example 1 */
  productId!: number;

  /** @example "Ada Lovelace" */
  author!: string;

  /** @example 5 */
  rating!: number;

  /** @example "Boils before I have found the tea." */
  text!: string;

  static of(review: Loaded<Review, 'customer'>): ReviewDto {
    const { id, product, customer, rating, text } = review;
    return { id, productId: product.id, author: customer.$.name, rating, text };
  }
}
