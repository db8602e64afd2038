/** Said where there is no pair; in lines that 80 columns have room for. */

export const WHAT_IT_IS = [
  'High availability: two devices run the same VPN service, and one of them',
  'has its address. When that one is gone, the other one takes the address,',
  'and clients go on.',
] as const;

export const HOW_TO_BEGIN = 'n begins:  ha enable VPN --primary DEVICE --standby DEVICE --address CIDR';
