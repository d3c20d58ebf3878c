-- What a leader's activity would pay on a price: the creator's commission, the leader's service fee, and how it is shared.
function fees(x)
  if x.service2_bps and x.service2_bps > x.service_bps then
    return nil, "the second-level leader cannot get more than the first"
  end
  local service = x.price * x.service_bps // 10000
  local second = x.price * (x.service2_bps or 0) // 10000
  return {commission = x.price * x.commission_bps // 10000, leader = service - second, leader2 = second}
end
