import { Transform } from 'class-transformer';
import { IsEmail, MaxLength } from 'class-validator';
import type { Customer } from '../entities/customer.entity.js';
import { IsText } from '../http/is-text.decorator.js';

export class EmailDto {
  /** @example "ada@example.com" */
  @IsEmail()
  @MaxLength(254)
  @Transform(({ value }) => (typeof value === 'string' ? value.trim().toLowerCase() : value))
  email!: string;
}

export class RegisterCustomerDto extends EmailDto {
  /** @example "Ada Lovelace" */
  @IsText({ maxLength: 200 })
  name!: string;
}

export class CustomerDto {
  /** @example 1 */
  id!: number;

  /** @example "ada@example.com" */
  email!: string;

  /** @example "Ada Lovelace" */
  name!: string;

  createdAt!: Date;

  /** Absent for an active customer. */
  deletedAt?: Date;

  static of({ id, email, name, createdAt, deletedAt }: Customer): CustomerDto {
    return { id, email, name, createdAt, ...(deletedAt && { deletedAt }) };
  }
}
