import { applyDecorators } from '@nestjs/common';
import { IsNotEmpty, IsString, Matches, MaxLength } from 'class-validator';

/** Text that a person wrote and PostgreSQL can keep: it has no place for the character zero. */
export function IsText(options: { maxLength: number }): PropertyDecorator {
  return applyDecorators(
    IsString(),
    IsNotEmpty(),
    MaxLength(options.maxLength),
    Matches(/^[^\0]*$/, { message: '$property must not contain the character zero' }),
  );
}
