export class RevenueDto {
  /** @example 3 */
  orders!: number;

  /** @example 15950 */
  totalInCents!: number;

  /** @example { "ada@example.com": 5500 } */
  byCustomer!: Record<string, number>;
}
