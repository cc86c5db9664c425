import type { Loaded } from '@mikro-orm/core';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, IsOptional, Max, Min, ValidateNested } from 'class-validator';
import type { Order } from '../entities/order.entity.js';
import { IsText } from '../http/is-text.decorator.js';

export class PlaceOrderLineDto {
  /** @example 3 */
  @IsInt()
  @Min(1)
  productId!: number;

  /** @example 2 */
  @IsInt()
  @Min(1)
  @Max(1000)
  quantity!: number;
}

export class PlaceOrderDto {
  /** @example 2 */
  @IsInt()
  @Min(1)
  customerId!: number;

  /** @example "Grace Hopper, 2 Navy Yard, Arlington" */
  @IsOptional()
  @IsText({ maxLength: 500 })
  shipTo?: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => PlaceOrderLineDto)
  lines!: PlaceOrderLineDto[];
}

export class OrderLineDto {
  /** @example "Cup" */
  product!: string;

  /** @example 2 */
  quantity!: number;

  /** @example 800 */
  unitPriceInCents!: number;
}

export class OrderDto {
  /** @example 1 */
  id!: number;

  /** Still there when the customer has closed the account. @example "Ada Lovelace" */
  customer!: string;

  customerDeletedAt?: Date;

  placedAt!: Date;

  /** Absent where nobody has said, or an erasure has overwritten it. */
  shipTo?: string;

  /** Absent for an active order. */
  deletedAt?: Date;

  lines!: OrderLineDto[];

  static of(order: Loaded<Order, 'customer' | 'lines.product'>): OrderDto {
    const { id, placedAt, shipTo, deletedAt } = order;
    const customer = order.customer.$;
    return {
      id,
      customer: customer.name,
      ...(customer.deletedAt && { customerDeletedAt: customer.deletedAt }),
      placedAt,
      ...(typeof shipTo === 'string' && { shipTo }),
      ...(deletedAt && { deletedAt }),
      lines: order.lines.$.map(({ product, quantity, unitPriceInCents }) => ({
        product: product.$.name,
        quantity,
        unitPriceInCents,
      })),
    };
  }
}
