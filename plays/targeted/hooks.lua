-- What of the slot fee goes back where less was sold than was promised: the missing part, in whole cents.
function refund(x)
  local promised = x.plan.guarantee
  if not promised then
    return {amount = 0}
  end
  local sold = math.min(x.sold[promised.measure] or 0, promised.least)
  return {amount = x.plan.slot_fee * (promised.least - sold) // promised.least}
end
